namespace PageFold.Cli.Serve;

/// <summary>How <c>--memory-limit</c>, which is for all disks, is divided among them.</summary>
internal static class MemoryShares
{
    // Above what a store takes by itself, and below what any container allows.
    private const long MostOfTrial = 4 << 20;

    /// <summary>Bytes that all disks together may hold.</summary>
    public static long Total(ServeOptions options) => options.Exports.All(export => export.MemoryLimit is not null)
        ? options.Exports.Sum(export => export.MemoryLimit!.Value)
        : options.MemoryLimit ?? PageStore.DefaultMemoryLimit;

    /// <summary>The disks, each with a limit: its own, or an equal share of what the others' leave.</summary>
    public static IReadOnlyList<ExportOptions> Divide(ServeOptions options)
    {
        long limit = options.MemoryLimit ?? PageStore.DefaultMemoryLimit;
        // Refuses a limit above the container's, which the disks' shares of it may not be. One that is too small is refused with its disk.
        new PageStore(new PageStoreOptions { MemoryLimit = Math.Max(limit, MostOfTrial), Codec = PageCodec.None }).Dispose();
        long own = options.Exports.Sum(export => export.MemoryLimit ?? 0);
        int others = options.Exports.Count(export => export.MemoryLimit is null);
        if (own > limit || own == limit && others > 0)
            throw new UserErrorException(
                $"the exports' own memory limits come to {ByteSize.Format(own)}, and --memory-limit is {ByteSize.Format(limit)} for all; "
                + "raise it, or lower theirs.");
        return [.. options.Exports.Select(export => export with { MemoryLimit = export.MemoryLimit ?? (limit - own) / others })];
    }
}
