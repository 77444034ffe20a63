namespace PageFold.Cli.Serve;

/// <summary>
/// What <c>--swap</c> stands for: a disk that does not promise more than it holds. A kernel that swaps believes in the size it is told and
/// keeps the pages of refused writes in memory, until programs are killed for want of it; so the size follows from the memory limit.
/// </summary>
internal static class SwapSizing
{
    public const double DefaultRatio = 2;
    public const double MaxRatio = 100;

    // The largest page, so that the size fits whatever page size a snapshot says.
    private const long SizeStep = 64 << 10;

    // Without a file, pages that hold nothing yet are refused when less than a sixteenth of the limit is free: overwrites that compress
    // less find room there.
    private const int ReserveShift = 4;

    // What the limit holds beside pages: tables, buffers, the cache, gaps between objects. Taken generously, since disk space is cheap.
    private const int TablesShift = 3;
    private const long MinTables = 16 << 20;

    /// <summary>Gives every disk its limit and the size that follows from it; options without <c>--swap</c> stay as they are.</summary>
    public static ServeOptions Apply(ServeOptions options)
    {
        if (options.SwapRatio is not { } ratio)
            return options;
        if (options.Exports.FirstOrDefault(export => export.Size is not null) is { } sized)
            throw new UserErrorException(
                $"--swap takes the size from the memory limit, and "
                + $"{(sized.Name.Length > 0 ? $"--export {sized.Name},size=" : "--size ")}{sized.Size} says another; leave one of them "
                + "out.");
        if (options.Exports.FirstOrDefault(export => export.ReadOnly) is { } frozen)
        {
            string option = frozen.Name.Length > 0 ? $"read-only (of export {frozen.Name})" : "--read-only";
            throw new UserErrorException(
                $"--swap is for a kernel that writes to the disk, and {option} refuses all writes; leave one of them out.");
        }
        if (options.WritebackDailyBudget is { } daily)
            throw new UserErrorException(
                $"--writeback-daily {ByteSize.Format(daily)} would have writes refused once it is used up, which --swap with --writeback "
                + "excludes; leave one of them out.");
        IReadOnlyList<ExportOptions> exports = MemoryShares.Divide(options);
        return options with
        {
            Exports = [.. exports.Select(export => export with { Size = SizeOf(export.MemoryLimit!.Value, ratio) })],
        };
    }

    /// <summary>Bytes that pages without content may not use.</summary>
    public static long Reserve(ServeOptions options, ExportOptions export) =>
        options is { SwapRatio: not null, Writeback: null } ? export.MemoryLimit!.Value >> ReserveShift : 0;

    /// <summary>Bytes of a writeback file with room for everything that memory may not hold, if no page compresses.</summary>
    public static long WritebackBytes(ServeOptions options, ExportOptions export)
    {
        long limit = export.MemoryLimit!.Value;
        long tables = Math.Min(limit, (limit >> TablesShift) + MinTables + (options.CacheBytes ?? 0));
        long needed = WritebackOptions.BytesFor(
            Math.Max(0, export.Size!.Value - limit + tables), options.PageSize ?? PageStore.MinPageSize);
        if (needed > WritebackOptions.MaxFileBytes)
            throw new UserErrorException(
                $"--swap {Figures.Of(options.SwapRatio!.Value, "0.##")} with this memory limit needs a writeback file of "
                + $"{ByteSize.Format(needed)}, and the largest is {ByteSize.Format(WritebackOptions.MaxFileBytes)}; choose a smaller ratio "
                + "or limit.");
        if (options.WritebackBytes < needed)
            throw new UserErrorException(
                $"--writeback-size {ByteSize.Format(options.WritebackBytes.Value)} is too small for --swap, which needs {needed} bytes so "
                + "that no write is refused; leave --writeback-size out, or raise it.");
        return options.WritebackBytes ?? needed;
    }

    private static long SizeOf(long limit, double ratio)
    {
        double bytes = limit * ratio;
        long most = (PageStore.MaxPage + 1) * PageStore.MinPageSize;
        return bytes < most ? (long)bytes / SizeStep * SizeStep : most;
    }
}
