namespace PageFold.Cli.Measure;

/// <summary>Makes the store of a measurement, or says which memory limit it needs.</summary>
internal static class MeasureStore
{
    public static PageStore Create(MeasureOptions options)
    {
        try
        {
            return Make(options);
        }
        catch (Exception e) when (e is MemoryLimitException
            || e is ArgumentException && OptionMessage.Of(e)?.Names(nameof(PageStoreOptions.MemoryLimit)) == true)
        {
            throw TooSmall(options, options.MemoryLimit ?? PageStore.DefaultMemoryLimit, e);
        }
    }

    /// <summary>The refusal of a limit, with one that is enough where there is such.</summary>
    public static UserErrorException TooSmall(MeasureOptions options, long limit, Exception? cause)
    {
        long? least = Least(options);
        MeasureOptions lz4 = options with { Codec = CodecNames.Parse("--codec", "lz4"), Denser = null };
        string codecs = options.Denser is { } denser ? $"{options.Codec.Name} with {denser.Name}" : options.Codec.Name;
        // A limit that is refused for another reason, as one above the container's, is not too small.
        string message = least is { } bytes && bytes > limit ? LeastMemory.Refusal(limit, codecs, bytes, Least(lz4))
            : cause is not null ? OptionNames.Rename(cause)
            : $"--memory-limit {ByteSize.Format(limit)} is too small for a page of {ByteSize.Format(options.PageSize)}; raise it.";
        return cause is null ? new UserErrorException(message) : new UserErrorException(message, cause);

        long? Least(MeasureOptions tried) => LeastMemory.Find(0, bytes =>
        {
            try
            {
                using PageStore store = Make(tried with { MemoryLimit = bytes });
                return LeastMemory.HoldsPage(store, beside: null);
            }
            catch (Exception e) when (e is ArgumentException or MemoryLimitException)
            {
                return false;
            }
        });
    }

    private static PageStore Make(MeasureOptions options)
    {
        PageStore store = new(options.StoreOptions);
        try
        {
            // Now, while there is memory for it; a full store may have none.
            if (options.Denser is { } denser)
                store.AddCodec(denser.Codec);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }
}
