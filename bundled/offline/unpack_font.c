/* What pack_font.py made -> an .sf2 again: unpack_font PACKED FONT.sf2. Build with -lsndfile. */

#include <sndfile.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory { const unsigned char *bytes; sf_count_t size, at; };

static sf_count_t size_of(void *user) { return ((struct memory *)user)->size; }
static sf_count_t tell(void *user) { return ((struct memory *)user)->at; }

static sf_count_t seek(sf_count_t offset, int whence, void *user) {
    struct memory *m = user;
    m->at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->size);
    return m->at;
}

static sf_count_t read_some(void *into, sf_count_t count, void *user) {
    struct memory *m = user;
    if (count > m->size - m->at) count = m->size - m->at;
    memcpy(into, m->bytes + m->at, count);
    m->at += count;
    return count;
}

static void need(int good, const char *what) {
    if (!good) { fprintf(stderr, "unpack_font: %s\n", what); exit(1); }
}

static void *read_bytes(FILE *file, size_t count) {
    void *bytes = malloc(count ? count : 1);
    need(bytes && fread(bytes, 1, count, file) == count, "the packed font ends too early");
    return bytes;
}

int main(int count, char **arguments) {
    need(count == 3, "give PACKED and FONT.sf2");
    FILE *in = fopen(arguments[1], "rb");
    need(in != NULL, "the packed font cannot be read");
    uint32_t *sizes = read_bytes(in, 16);
    char *head = read_bytes(in, sizes[0]), *tail = read_bytes(in, sizes[2]);
    int16_t *samples = calloc(sizes[1] / 2, 2);
    need(samples != NULL, "there is too little memory");
    SF_VIRTUAL_IO memory_io = {size_of, seek, read_some, NULL, tell};
    for (uint32_t number = 0; number < sizes[3]; number++) {
        uint32_t *entry = read_bytes(in, 12); /* first sample, samples, bytes of the file */
        struct memory file = {read_bytes(in, entry[2]), entry[2], 0};
        SF_INFO info = {0};
        SNDFILE *sound = sf_open_virtual(&memory_io, SFM_READ, &info, &file);
        need(sound != NULL, "a sample is no sound file");
        need((uint64_t)entry[0] + entry[1] <= sizes[1] / 2, "a sample lies beyond the others");
        float *wave = malloc(sizeof(float) * entry[1]);
        need(wave && sf_readf_float(sound, wave, entry[1]) == entry[1], "a sample is too short");
        for (uint32_t i = 0; i < entry[1]; i++) {
            float value = wave[i] * 32768;
            samples[entry[0] + i] = value > 32767 ? 32767 : value < -32768 ? -32768 : (int16_t)(value + (value < 0 ? -0.5f : 0.5f));
        }
        sf_close(sound);
        free(wave);
        free((void *)file.bytes);
        free(entry);
    }
    FILE *out = fopen(arguments[2], "wb");
    need(out != NULL, "the font cannot be written");
    need(fwrite(head, 1, sizes[0], out) == sizes[0] && fwrite(samples, 1, sizes[1], out) == sizes[1] &&
             fwrite(tail, 1, sizes[2], out) == sizes[2] && fclose(out) == 0, "the font cannot be written");
    return 0;
}
