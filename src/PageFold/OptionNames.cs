namespace PageFold;

/// <summary>The options that messages name.</summary>
internal static class OptionNames
{
    public static readonly OptionName MemoryLimit = new(nameof(PageStoreOptions.MemoryLimit));
    public static readonly OptionName OwnerBytes = new(nameof(PageStoreOptions.OwnerBytes));
    public static readonly OptionName OverwriteReserve = new(nameof(PageStoreOptions.OverwriteReserve));
    public static readonly OptionName SnapshotReserve = new(nameof(PageStoreOptions.SnapshotReserve));
    public static readonly OptionName Codec = new(nameof(PageStoreOptions.Codec));
    public static readonly OptionName WritebackPath = Writeback(nameof(WritebackOptions.Path));
    public static readonly OptionName WritebackMaxBytes = Writeback(nameof(WritebackOptions.MaxBytes));
    public static readonly OptionName WritebackDailyBudget = Writeback(nameof(WritebackOptions.DailyBudget));
    public static readonly OptionName WritebackDirectReclaim = Writeback(nameof(WritebackOptions.DirectReclaim));
    public static readonly OptionName WritebackPreallocate = Writeback(nameof(WritebackOptions.Preallocate));

    private static OptionName Writeback(string property) => new($"{nameof(PageStoreOptions.Writeback)}.{property}");
}
