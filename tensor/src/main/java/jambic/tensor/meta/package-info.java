/** A backend that has shapes and no numbers, to count memory with. */
package jambic.tensor.meta;
