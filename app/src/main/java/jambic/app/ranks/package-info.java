/** The ranks that a launcher such as {@code mpirun} started, as commands see them. */
package jambic.app.ranks;
