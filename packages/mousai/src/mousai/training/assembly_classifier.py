"""From settings to all that a run of the classifier of latents needs."""

from dataclasses import replace

from mousai.errors import UserError
from mousai.folders import autoencoder_config, load_classifier
from mousai.latent_classifier import LatentClassifier
from mousai.latent_classifier_config import LatentClassifierConfig
from mousai.text import TextEncoder
from mousai.training.assembled import VALIDATION_ITEMS, Assembled, model_folder, sizes_of
from mousai.training.classifier_stage import ClassifierStage
from mousai.training.items import GeneratorCrops
from mousai.training.settings import ClassifierSettings
from mousai.training.songs import latent_songs, split_songs


def assemble_classifier(settings: ClassifierSettings) -> Assembled:
    """Build what a run of the classifier needs; see `mousai.training.assembly`."""
    assert settings.start_from is not None
    model = model_folder(settings.start_from, need=["text_encoder", "autoencoder"])
    channels, text = autoencoder_config(model).latent_channels, TextEncoder.load(model)
    classifier = load_classifier(model)
    config = None
    if classifier is None and settings.model != "tiny":
        config = sizes_of(LatentClassifierConfig, settings.model)
        if (config.latent_channels, config.vocabulary) != (channels, len(text.tokenizer)):
            raise UserError(
                f"model={settings.model}: reads {config.latent_channels} latent channels and {config.vocabulary} "
                f"tokens, {settings.start_from} has {channels} and {len(text.tokenizer)}"
            )
    songs = latent_songs(settings, model)
    if classifier is None:
        classifier = LatentClassifier(
            config
            or LatentClassifierConfig(
                latent_channels=channels, vocabulary=len(text.tokenizer), latent_std=round(songs.std, 4)
            )
        )
    crops = replace(settings.crops, drop=0.0)
    train, validation = split_songs(songs, settings)
    return Assembled(
        stage=ClassifierStage(classifier.train(), text, settings),
        train=GeneratorCrops(train, crops, seed=settings.loop.seed),
        validation=GeneratorCrops(validation, crops, seed=settings.loop.seed, count=VALIDATION_ITEMS)
        if validation
        else None,
        config=classifier.config,
        files=len(songs),
    )
