/** How a run of any kind is shown, and what it says to go on with. */
package jambic.app.run;
