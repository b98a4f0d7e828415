/** Data for classifiers, and what they say of texts. */
package jambic.app.classify;
