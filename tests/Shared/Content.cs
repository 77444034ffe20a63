using System.Runtime.InteropServices;

namespace PageFold.Testing;

/// <summary>Bytes that can be told from their key, so that a wrong one is found wherever it comes from.</summary>
internal static class Content
{
    /// <summary>Runs a part of a test of concurrency at once, however busy the thread pool is with other tests.</summary>
    public static Task OnItsOwnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public static byte[] Of(int length, ulong key)
    {
        byte[] bytes = new byte[length];
        Fill(bytes, key);
        return bytes;
    }

    /// <summary>Bytes of which half can be compressed away.</summary>
    public static byte[] Compressible(int length, ulong key)
    {
        byte[] bytes = Of(length, key);
        for (int i = 0; i < length; i++)
        {
            if (i % 64 >= 32)
                bytes[i] = (byte)key;
        }
        return bytes;
    }

    public static void Fill(Span<byte> bytes, ulong key)
    {
        ulong state = (key + 1) * 0x9E3779B97F4A7C15;
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ref ulong word in words)
            word = Next(ref state);
        foreach (ref byte value in bytes[(words.Length * sizeof(ulong))..])
            value = (byte)Next(ref state);
    }

    public static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int same = expected.CommonPrefixLength(actual);
        if (same < expected.Length)
            Assert.Fail($"{what}: byte {same} of {expected.Length} is {actual[same]} instead of {expected[same]}");
    }

    private static ulong Next(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
}
