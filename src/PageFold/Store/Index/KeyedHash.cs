using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PageFold.Interop;

namespace PageFold.Store.Index;

/// <summary>
/// SipHash-1-3 of one 64-bit word under a secret key: for tables whose keys come from clients or files. Without the key no sequence of
/// words can be chosen that collides more often than random ones do.
/// </summary>
/// <remarks>
/// Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with the rounds that hash tables use: one for each word, three at the
/// end.
/// </remarks>
internal readonly struct KeyedHash(ulong first, ulong second)
{
    // Behind the message comes a word with the message's length in its top byte.
    private const ulong Length = (ulong)sizeof(ulong) << 56;

    /// <summary>A hash under a key of its own.</summary>
    public static KeyedHash NewRandom()
    {
        Span<ulong> key = stackalloc ulong[2];
        // On Linux .NET's generator loads OpenSSL, which is several MiB, and ends a process that has none.
        if (!OperatingSystem.IsLinux() || !LibC.TryFillRandom(MemoryMarshal.AsBytes(key)))
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(key));
        return new KeyedHash(key[0], key[1]);
    }

    public ulong Of(ulong word)
    {
        ulong v0 = first ^ 0x736F6D6570736575;
        ulong v1 = second ^ 0x646F72616E646F6D;
        ulong v2 = first ^ 0x6C7967656E657261;
        ulong v3 = second ^ 0x7465646279746573 ^ word;
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
        v3 ^= Length;
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= Length;
        v2 ^= 0xFF;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v2 += v3;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 = BitOperations.RotateLeft(v2, 32);
    }
}
