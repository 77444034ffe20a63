namespace PageFold;

// Messages that name options, as OptionMessage has them.
internal static partial class Throw
{
    private static readonly OptionName MemoryLimit = new(nameof(PageStoreOptions.MemoryLimit));
    private static readonly OptionName OwnerBytes = new(nameof(PageStoreOptions.OwnerBytes));
    private static readonly OptionName OverwriteReserve = new(nameof(PageStoreOptions.OverwriteReserve));
    private static readonly OptionName SnapshotReserve = new(nameof(PageStoreOptions.SnapshotReserve));
    private static readonly OptionName Codec = new(nameof(PageStoreOptions.Codec));
    private static readonly OptionName WritebackPath = Writeback(nameof(WritebackOptions.Path));
    private static readonly OptionName WritebackMaxBytes = Writeback(nameof(WritebackOptions.MaxBytes));
    private static readonly OptionName WritebackDailyBudget = Writeback(nameof(WritebackOptions.DailyBudget));
    private static readonly OptionName WritebackDirectReclaim = Writeback(nameof(WritebackOptions.DirectReclaim));
    private static readonly OptionName WritebackPreallocate = Writeback(nameof(WritebackOptions.Preallocate));

    private const string NoCodecFits = "choose a codec that takes less, or make a store with a larger limit.";

    private const string CodecMayFit =
        "retire a codec that is not needed, write pages back, or discard some, and compact, then try again, or choose a codec that takes "
            + "less.";

    private const string NoDictionaryFits = "choose a smaller dictionary or a lower level, or make a store with a larger limit.";

    private const string DictionaryMayFit =
        "write pages back, or discard some, and compact, then try again, or choose a smaller dictionary or a lower level.";

    private static ArgumentException Invalid(OptionName option, OptionMessage message) =>
        OptionMessage.Create(text => new ArgumentException(text, Last(option)), message);

    private static ArgumentOutOfRangeException OutOfRange(OptionName option, object? value, OptionMessage message) =>
        OptionMessage.Create(text => new ArgumentOutOfRangeException(Last(option), value, text), message);

    private static MemoryLimitException NoMemory(OptionMessage message) =>
        OptionMessage.Create(text => new MemoryLimitException(text), message);

    private static OptionName Writeback(string property) => new($"{nameof(PageStoreOptions.Writeback)}.{property}");

    // The property itself, which is in the options of its own type.
    private static string Last(OptionName option) => option.Property[(option.Property.LastIndexOf('.') + 1)..];
}
