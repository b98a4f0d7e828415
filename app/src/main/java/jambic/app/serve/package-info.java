/** The command that serves models. */
package jambic.app.serve;
