/** Conversations in the terminal, and how the tokens of an answer are chosen. */
package jambic.app.chat;
