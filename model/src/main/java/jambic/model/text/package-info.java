/** Text to token ids and back: characters, and byte-level byte-pair encoding. */
package jambic.model.text;
