// Element types of cuDNN and cuBLAS as doubles: what is stored is rounded to the type, nothing else is.
#ifndef CONVNATIVE_DOUBLE_ELEMENTS_H
#define CONVNATIVE_DOUBLE_ELEMENTS_H

#include <cmath>
#include <cstdint>
#include <cstring>

namespace twin {

enum class Type { F32, F64, F16, BF16, S8, U8, S32 };

inline size_t size_of(Type t) { return t == Type::F64 ? 8 : t == Type::F32 || t == Type::S32 ? 4 : t == Type::F16 || t == Type::BF16 ? 2 : 1; }

inline double load(Type t, const void *p, int64_t i)
{
    switch (t)
    {
        case Type::F32: return ((const float *)p)[i];
        case Type::F64: return ((const double *)p)[i];
        case Type::F16: return (double)((const _Float16 *)p)[i];
        case Type::BF16:
        {
            uint32_t u = (uint32_t)((const uint16_t *)p)[i] << 16;
            float f;
            memcpy(&f, &u, 4);
            return f;
        }
        case Type::S8: return ((const int8_t *)p)[i];
        case Type::U8: return ((const uint8_t *)p)[i];
        default: return ((const int32_t *)p)[i];
    }
}

inline uint16_t bfloat(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    if (std::isnan(f)) return (uint16_t)((u >> 16) | 0x40);
    return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

inline double clamp(double v, double least, double most) { return v > least ? v < most ? v : most : least; }

inline void store(Type t, void *p, int64_t i, double v)
{
    switch (t)
    {
        case Type::F32: ((float *)p)[i] = (float)v; break;
        case Type::F64: ((double *)p)[i] = v; break;
        case Type::F16: ((_Float16 *)p)[i] = (_Float16)(float)v; break;
        case Type::BF16: ((uint16_t *)p)[i] = bfloat((float)v); break;
        case Type::S8: ((int8_t *)p)[i] = (int8_t)clamp(std::nearbyint(v), -128, 127); break;
        case Type::U8: ((uint8_t *)p)[i] = (uint8_t)clamp(std::nearbyint(v), 0, 255); break;
        default: ((int32_t *)p)[i] = (int32_t)clamp(std::nearbyint(v), -2147483648.0, 2147483647.0);
    }
}

// A TF32 operand: ten bits of fraction. Cut off rather than rounded, which is the worse of what hardware might do.
inline double tf32(double v)
{
    float f = (float)v;
    uint32_t u;
    memcpy(&u, &f, 4);
    if (!std::isfinite(f)) return v;
    u &= 0xffffe000u;
    memcpy(&f, &u, 4);
    return f;
}

}

#endif
