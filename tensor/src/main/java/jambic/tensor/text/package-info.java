/** Text that is the same on every machine. */
package jambic.tensor.text;
