/* What the examples share: a handle made of the command line, and how failures are shown. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <mysqlfabric.h>
#include <stdio.h>
#include <stdlib.h>

/* Shows why a call failed; the answer is the program's exit status. */
static inline int failed(const char *call, const fabric_error_t *err)
{
    fprintf(stderr, "%s: %s\n", call, err->message);
    return EXIT_FAILURE;
}

/* Reads a port; 0, which means the default port, for what is none. */
static inline uint16_t port_of(const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);
    return number <= 65535 ? (uint16_t)number : 0;
}

/* Options for the node at argv[1]:argv[2], with the sample farm's credentials. What is wrong
 * with them is said by fabric_new(). */
static inline fabric_options_t *options_of(int argc, char **argv)
{
    fabric_options_t *options = fabric_options_new();
    fabric_options_add_node(options, argc > 1 ? argv[1] : "127.0.0.1",
                            argc > 2 ? port_of(argv[2]) : FABRIC_DEFAULT_PORT);
    fabric_options_set_credentials(options, "admin", "secret");
    return options;
}

/* Makes a handle and frees the options; NULL after a failure that it has shown. */
static inline fabric_t *open_farm(fabric_options_t *options)
{
    fabric_t *farm = NULL;
    fabric_error_t err;
    if (fabric_new(options, &farm, &err) != FABRIC_OK)
        failed("fabric_new", &err);
    fabric_options_free(options);
    return farm;
}

static inline const char *status_name(int32_t status)
{
    switch (status) {
    case FABRIC_STATUS_FAULTY:
        return "faulty";
    case FABRIC_STATUS_SPARE:
        return "spare";
    case FABRIC_STATUS_SECONDARY:
        return "secondary";
    case FABRIC_STATUS_PRIMARY:
        return "primary";
    default:
        return "unknown";
    }
}

#endif
