/** A server of models that applications embed. Start at {@link jambic.serve.JambicServer}. */
package jambic.serve;
