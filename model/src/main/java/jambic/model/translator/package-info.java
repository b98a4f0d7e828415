/**
 * The encoder-decoder for translation: the model, how it is stored, the search for translations,
 * and {@link jambic.model.translator.TranslationPipeline}, which goes from text to text.
 */
package jambic.model.translator;
