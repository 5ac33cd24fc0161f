"""Features that judges and metrics are computed from: waveforms, a pitch spectrogram, and one module per judge."""
