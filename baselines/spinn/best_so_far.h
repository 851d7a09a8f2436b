#ifndef BEST_SO_FAR_H
#define BEST_SO_FAR_H
#include "stage.h"

enum stage_result stage_best_so_far(const int16_t *remote, const int8_t *const *exits, uint32_t count, uint32_t classes,
                                    int32_t *scores);

#endif
