package jambic.model.gpt;

import jambic.model.io.KeyRules;
import java.util.List;
import java.util.Map;

/**
 * What becomes of every key of a model's {@code config.json}: those that transformers 4 and 5 write
 * for GPT-2, and Jambic's own.
 */
final class Gpt2ConfigKeys {
  static final KeyRules MODEL =
      new KeyRules()
          .obeys("model_type", "architectures", "vocab_size")
          .obeys("n_positions", "n_layer", "n_head", "n_embd", "n_inner")
          .obeys("max_position_embeddings", "num_hidden_layers", "num_attention_heads")
          .obeys("hidden_size", "activation_function", "layer_norm_epsilon")
          .obeys("resid_pdrop", "embd_pdrop", "attn_pdrop")
          .obeys("scale_attn_weights", "scale_attn_by_inverse_layer_idx")
          .obeys("tie_word_embeddings", "bias", "qkv_bias", "lm_head_bias")
          // Other layers, or other numbers in them.
          .supports("add_cross_attention", false)
          .supports("is_encoder_decoder", false)
          .supports("pruned_heads", Map.of(), List.of())
          .supportsOr(
              "its weights are in another program's own form; save what dequantize() of the model in"
                  + " transformers returns, and take that folder",
              "quantization_config")
          .supports("auto_map")
          // How new weights start; these are stored ones.
          .ignores("initializer_range")
          // Scores are computed in 32 bits anyway.
          .ignores("reorder_and_upcast_attn", "torch_dtype", "dtype", "use_bfloat16")
          // How a computation runs, and what it returns beside its result.
          .ignores("use_cache", "gradient_checkpointing", "chunk_size_feed_forward")
          .ignores("return_dict", "output_hidden_states", "output_attentions", "output_past")
          .ignores("torchscript", "tf_legacy_loss", "xla_device", "_attn_implementation")
          .ignores("_attn_implementation_autoset", "attn_implementation")
          .obeys("n_ctx") // where it says what n_positions does
          // Of GPT-2 as a decoder they change nothing.
          .ignores("is_decoder", "tie_encoder_decoder", "cross_attention_hidden_size")
          // Of classifiers and of their heads: a classifier reads what concerns its own.
          .ignores("summary_type", "summary_use_proj", "summary_activation")
          .ignores("summary_proj_to_labels", "summary_first_dropout", "problem_type")
          .ignores("id2label", "label2id", "num_labels", "_num_labels", "finetuning_task")
          .ignores("predict_special_tokens")
          // Where a model comes from.
          .ignores("_name_or_path", "_commit_hash", "transformers_version", "tokenizer_class")
          .obeys("eos_token_id")
          // What generates from a model reads these; its scores do not depend on them.
          .ignores("bos_token_id", "pad_token_id", "sep_token_id")
          .ignores("decoder_start_token_id", "task_specific_params", "prefix")
          .ignores("max_length", "min_length", "do_sample", "early_stopping", "num_beams")
          .ignores("num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p")
          .ignores("typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size")
          .ignores("encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences")
          .ignores("output_scores", "return_dict_in_generate", "forced_bos_token_id")
          .ignores("forced_eos_token_id", "remove_invalid_values", "suppress_tokens")
          .ignores("exponential_decay_length_penalty", "begin_suppress_tokens");

  private Gpt2ConfigKeys() {}
}
