/**
 * What a person sees while the tool works.
 *
 * <p>A status line that rewrites itself takes three escape sequences, which every terminal in use
 * knows, Windows' included. The library for it (progressbar) brings JLine with its native code,
 * which Java 25 warns about at start, and would still not know what a training step is.
 */
package jambic.app.terminal;
