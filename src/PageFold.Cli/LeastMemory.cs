using System.Security.Cryptography;

namespace PageFold.Cli;

/// <summary>Finds the least memory limit with which something works, for a message that refuses a smaller one.</summary>
internal static class LeastMemory
{
    private const long Step = 64 << 10;

    // No codec takes more than a few megabytes for pages of any size.
    private const long Most = 256 << 20;

    /// <summary>The least limit, in steps of 64 KiB; null if none works.</summary>
    /// <param name="tooSmall">A limit with which it does not work.</param>
    /// <param name="works">Tries a limit.</param>
    public static long? Find(long tooSmall, Func<long, bool> works)
    {
        long below = tooSmall / Step;
        long enough = below + 1;
        while (!works(enough * Step))
        {
            if (enough * Step > Most)
                return null;
            below = enough;
            enough *= 2;
        }
        while (enough - below > 1)
        {
            long middle = below + (enough - below) / 2;
            if (works(middle * Step))
                enough = middle;
            else
                below = middle;
        }
        return enough * Step;
    }

    /// <summary>True if a store has room for a page when it knows a codec beside its own.</summary>
    public static bool HoldsPage(PageStore store, PageCodec? beside)
    {
        if (beside is not null)
            store.AddCodec(beside);
        byte[] page = new byte[store.PageSize];
        RandomNumberGenerator.Fill(page);
        return store.Write(0, page) != StoreOutcome.Full;
    }

    /// <summary>The message that refuses a limit.</summary>
    /// <param name="limit">The limit.</param>
    /// <param name="codecs">What takes the memory.</param>
    /// <param name="least">The least limit that works.</param>
    /// <param name="leastWithLz4">The same with LZ4 alone; null if that takes no less.</param>
    public static string Refusal(long limit, string codecs, long least, long? leastWithLz4)
    {
        string lz4 = leastWithLz4 is not { } other || other >= least ? string.Empty
            : other <= limit ? ", or --codec lz4, which takes less" : $", or --codec lz4 with {Shown(other)}";
        return $"--memory-limit {ByteSize.Format(limit)} is too small for a page and codec {codecs}; choose at least "
            + $"{Shown(least)}{lz4}.";
    }

    // As an option takes it.
    private static string Shown(long bytes) => $"{bytes >> 10}KiB";
}
