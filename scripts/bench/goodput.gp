# SPDX-License-Identifier: BSD-3-Clause
# gnuplot: two panels over the flood's rate, what is served and how long connecting takes. goodput.py sets out, title_text,
# files, names, styles (a curve keeps its colour) and left.
set terminal svg size 900,760 font "sans,13" background rgb "white"
set output out
set multiplot layout 2,1 title title_text font ",12"
set logscale x
set xrange [left*0.8:*]
set format x "%.0s%c"
set grid xtics ytics lc rgb "#dddddd"
set border 3 lc rgb "#666666"
set tics nomirror
set xtics add ("none" left)
set lmargin 10
set rmargin 4
set key top center outside horizontal maxrows 2 samplen 2
array color[4] = ["#1b6ca8", "#2e9e5b", "#d9822b", "#b3364a"]
array mark[4] = [7, 5, 9, 13]

set ylabel "connections served, %"
set yrange [0:105]
unset xlabel
plot for [i=1:words(files)] word(files, i) using 1:2 with linespoints lw 2 pt mark[word(styles, i)+0] ps 0.8 lc rgb color[word(styles, i)+0] title word(names, i)

set ylabel "p99 of connecting, ms"
set xlabel "SYN flood, packets a second"
set logscale y
set yrange [*:*]
unset key
plot for [i=1:words(files)] word(files, i) using 1:3 with linespoints lw 2 pt mark[word(styles, i)+0] ps 0.8 lc rgb color[word(styles, i)+0] title word(names, i)
unset multiplot
