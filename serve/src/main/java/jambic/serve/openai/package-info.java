/** OpenAI's API on top of engines, and what the playground needs beside it. */
package jambic.serve.openai;
