#ifndef SERVE_H
#define SERVE_H

/* Measures what standard input asks for, so that another program's measurements can take turns
 * with it. */
void bench_serve(long shards);

#endif
