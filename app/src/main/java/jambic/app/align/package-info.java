/** Commands that align a model with what people want, and make data for that. */
package jambic.app.align;
