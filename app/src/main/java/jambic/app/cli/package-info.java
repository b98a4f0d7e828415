/** What commands share: options, arguments, converters and the texts of mistakes. */
package jambic.app.cli;
