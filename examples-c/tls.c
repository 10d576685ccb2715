/* Talks TLS to Fabric, and verifies it.  usage: tls host port ca.pem [key.pem cert.pem] */
#include "example.h"

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: %s host port ca.pem [key.pem cert.pem]\n", argv[0]);
        return EXIT_FAILURE;
    }
    const char *ca = argv[3];
    const char *key = argc == 6 ? argv[4] : NULL;
    const char *cert = argc == 6 ? argv[5] : NULL;

    fabric_options_t *options = options_of(argc, argv);
    fabric_options_set_tls(options, ca, key, cert);
    fabric_t *farm = open_farm(options);
    if (farm == NULL)
        return EXIT_FAILURE;

    /* The files are read, and the node is verified, at the first connection. */
    int status = EXIT_SUCCESS;
    fabric_error_t err;
    if (fabric_seed(farm, NULL, 0, &err) == FABRIC_OK)
        printf("%s:%s is verified by %s\n", argv[1], argv[2], fabric_get_tls_ca(farm));
    else
        status = failed("fabric_seed", &err);

    fabric_free(farm);
    return status;
}
