/**
 * Loss curves as SVG or PNG.
 *
 * <p>The drawing is ours because it is small and the libraries cost more than they give: as of 2026
 * the common chart libraries are automatic modules, which jlink refuses, and the one modular SVG
 * writer is under the GPL. A {@link jambic.app.chart.LossChart} draws on a {@link
 * jambic.app.chart.Canvas}, which has four verbs; SVG needs nothing but text, so it works where no
 * font is installed.
 */
package jambic.app.chart;
