/**
 * The definition of every kernel: plain loops on one thread, sums in double precision, each result
 * rounded once. Finite differences check it, and it checks the other backends. It runs on any Java
 * machine, so it is also what is left where the Vector API is missing.
 */
package jambic.tensor.reference;
