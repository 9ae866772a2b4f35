/* Repeats what Record.cs wrote down with machine code for Arm: replay IMAGE MAP RECORDS.
 * IMAGE is the ReadyToRun image that the .NET compiler made for Arm, MAP has a line "NAME RVA" for each kernel. Kernels are leaves:
 * they call nothing and name nothing outside the image, so the image needs no loader. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define AT ((unsigned char *)0x1000000000)
#define SIZE (32 * 1024)

static void stop(const char *why) {
    fprintf(stderr, "replay: %s\n", why);
    exit(2);
}

static unsigned char *read_file(const char *path, size_t *length) {
    FILE *f = fopen(path, "rb");
    if (!f) stop(path);
    fseek(f, 0, SEEK_END);
    *length = (size_t)ftell(f);
    rewind(f);
    unsigned char *p = malloc(*length);
    if (!p || fread(p, 1, *length, f) != *length) stop(path);
    fclose(f);
    return p;
}

static uint32_t word(const unsigned char *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static unsigned char *load(const char *path) {
    size_t length;
    unsigned char *file = read_file(path, &length), *pe = file + word(file + 0x3c);
    int sections = pe[6] | pe[7] << 8, optional = pe[20] | pe[21] << 8;
    unsigned char *image = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (image == MAP_FAILED) stop("no memory for the image");
    for (unsigned char *s = pe + 24 + optional; sections > 0; sections--, s += 40) memcpy(image + word(s + 12), file + word(s + 20), word(s + 16));
    __builtin___clear_cache((char *)image, (char *)image + (64 << 20));
    return image;
}

static unsigned long find(const unsigned char *map, size_t length, const char *name) {
    size_t n = strlen(name);
    for (const unsigned char *p = map, *end = map + length; p < end;) {
        const unsigned char *line = p;
        while (p < end && *p != '\n') p++;
        if ((size_t)(p - line) > n && !memcmp(line, name, n) && line[n] == ' ') return strtoul((const char *)line + n + 1, NULL, 16);
        p++;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4) stop("usage: replay IMAGE MAP RECORDS");
    size_t length, map_length;
    unsigned char *image = load(argv[1]), *map = read_file(argv[2], &map_length), *p = read_file(argv[3], &length), *end = p + length;
    if (mmap(AT, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != AT) stop("the tensors' address is taken");
    int calls = 0, failed = 0;
    while (p < end) {
        char name[128] = {0};
        unsigned char arguments[256];
        uint32_t n = word(p);
        if (n >= sizeof name) stop("a name too long");
        memcpy(name, p + 4, n);
        p += 4 + n;
        n = word(p);
        if (n > sizeof arguments) stop("too many arguments");
        memcpy(arguments, p + 4, n);
        p += 4 + n;
        unsigned long rva = find(map, map_length, name);
        if (!rva) {
            fprintf(stderr, "%s: no code for Arm\n", name);
            return 1;
        }
        memcpy(AT, p, SIZE);
        ((void (*)(void *))(image + rva))(arguments);
        calls++;
        if (memcmp(AT, p + SIZE, SIZE)) {
            if (failed++ < 20) fprintf(stderr, "%s: other results than on this machine\n", name);
        }
        p += 2 * SIZE;
    }
    printf("%d calls, %d with other results\n", calls, failed);
    return failed || !calls;
}
