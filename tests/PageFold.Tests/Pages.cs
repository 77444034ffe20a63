using System.Runtime.InteropServices;

namespace PageFold.Tests;

/// <summary>Pages and objects whose content can be told from their number, so that a wrong byte is found wherever it comes from.</summary>
internal static class Pages
{
    /// <summary>Runs a part of a test of concurrency at once, however busy the thread pool is with other tests.</summary>
    public static Task OnItsOwnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Fills bytes that no other key gives.</summary>
    public static void Fill(Span<byte> bytes, ulong key)
    {
        ulong state = key * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019;
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ref ulong word in words)
            word = Next(ref state);
        foreach (ref byte value in bytes[(words.Length * 8)..])
            value = (byte)Next(ref state);
    }

    public static bool Holds(ReadOnlySpan<byte> bytes, ulong key)
    {
        ulong state = key * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            if (word != Next(ref state))
                return false;
        }
        foreach (byte value in bytes[(words.Length * 8)..])
        {
            if (value != (byte)Next(ref state))
                return false;
        }
        return true;
    }

    /// <summary>A page of which about a share is random and the rest repeats, so that it compresses to about that share.</summary>
    public static void FillCompressible(Span<byte> page, ulong key, double share)
    {
        int random = Math.Clamp((int)(page.Length * share), Math.Min(8, page.Length), page.Length);
        Fill(page[..random], key);
        // The last bytes of these, again and again.
        int from = random - random % 8 - 1;
        for (int end = random; end < page.Length;)
        {
            int count = Math.Min(end - from, page.Length - end);
            page.Slice(from, count).CopyTo(page[end..]);
            end += count;
        }
    }

    private static ulong Next(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
}
