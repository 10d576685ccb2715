/* Lookups as services make them, where the other tables have them as they are compared best. */
#ifndef SERVICE_H
#define SERVICE_H

void bench_service(void);

#endif
