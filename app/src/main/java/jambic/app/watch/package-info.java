/** What is known of runs, and the page that shows it while they go on. */
package jambic.app.watch;
