/** Models of SentencePiece: their file, their normalization and their search for pieces. */
package jambic.model.sentencepiece;
