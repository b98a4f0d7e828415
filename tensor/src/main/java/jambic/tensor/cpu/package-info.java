/**
 * The SIMD backend: kernels on the Vector API over {@code float[]} and an offset. Its rules:
 *
 * <ul>
 *   <li>No vector crosses a method: a call that the compiler declines to inline boxes it, and after
 *       some twenty vector operations in one method it declines. Kernels are long, flat loops.
 *   <li>Work is cut in pieces that depend on the sizes alone, and sums over pieces are taken in the
 *       order of the pieces, so results do not depend on the number of threads. A tensor smaller
 *       than a piece never wakes a thread.
 *   <li>All vectors of floats are of one species, {@code Lanes.F}. The Vector API's methods
 *       remember which classes they meet, all callers together: from a tenth of another width on
 *       the compiler expects both everywhere, and boxes vectors in loops that have but one.
 *   <li>Lanes are added up by {@code LaneSum} or by hand, never by {@code reduceLanes(ADD)}, whose
 *       order changes when a loop is compiled.
 *   <li>Short loops read whole vectors and treat the tail apart; long ones read under a mask
 *       throughout, and only write under one at the end: a masked store is slow before AVX-512.
 *   <li>A launch allocates its lambda and little else; working memory is the worker's scratch or is
 *       kept by the family of kernels.
 * </ul>
 */
package jambic.tensor.cpu;
