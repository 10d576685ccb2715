/* Runs any Fabric command and prints what it answers.
 * usage: execute host port group command [argument...]
 * such as: execute 127.0.0.1 32274 group lookup_servers shard1 */
#include "example.h"

static void print_set(const fabric_result_t *result, size_t set)
{
    size_t columns = fabric_result_columns(result, set);
    for (size_t c = 0; c < columns; c++)
        printf("%s%s", c > 0 ? "\t" : "", fabric_result_column_name(result, set, c));
    printf("\n");
    for (size_t r = 0; r < fabric_result_rows(result, set); r++) {
        for (size_t c = 0; c < columns; c++) {
            const char *value = fabric_result_value(result, set, r, c, NULL);
            printf("%s%s", c > 0 ? "\t" : "", value != NULL ? value : "(nil)");
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s host port group command [argument...]\n", argv[0]);
        return EXIT_FAILURE;
    }
    fabric_t *farm = open_farm(options_of(argc, argv));
    if (farm == NULL)
        return EXIT_FAILURE;

    int status = EXIT_SUCCESS;
    fabric_result_t *result = NULL;
    fabric_error_t err;
    if (fabric_execute(farm, argv[3], argv[4], (const char *const *)&argv[5], (size_t)(argc - 5),
                       &result, &err)
        != FABRIC_OK)
        status = failed(argv[4], &err);
    for (size_t set = 0; set < fabric_result_sets(result); set++)
        print_set(result, set);

    fabric_result_free(result);
    fabric_free(farm);
    return status;
}
