/* getpid by the 32-bit gate: its numbers are another table, so a filter that only knows the 64-bit one sees something else. */
#include <stdio.h>

int main(void) {
    int result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    printf("GOT %d\n", result);
    return 0;
}
