/** Where training text comes from: a file, a download, or the JDK's own sources. */
package jambic.app.data;
