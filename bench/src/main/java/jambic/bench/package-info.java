/**
 * Benchmarks of the engine, and the tables that set them beside PyTorch, OpenBLAS and llm.c. {@code
 * bench/run} drives everything: {@link jambic.bench.Measure} runs the JMH classes here and appends
 * {@link jambic.bench.Row}s to a file, the scripts in {@code bench/peers} append theirs, and {@link
 * jambic.bench.Report} writes the tables.
 */
package jambic.bench;
