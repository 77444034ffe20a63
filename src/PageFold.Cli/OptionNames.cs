namespace PageFold.Cli;

/// <summary>The command's names of the library's options.</summary>
internal static class OptionNames
{
    private static readonly Dictionary<string, string> Options = new()
    {
        ["Length"] = "--size",
        ["PageSize"] = "--page-size",
        ["MemoryLimit"] = "--memory-limit",
        ["Codec"] = "--codec",
        ["CacheBytes"] = "--cache",
        ["ReserveForSnapshot"] = "--keep",
        ["Writeback.Path"] = "--writeback",
        ["Writeback.MaxBytes"] = "--writeback-size",
        ["Writeback.DailyBudget"] = "--writeback-daily",
        ["Writeback.DirectReclaim"] = "--swap",
        ["Writeback.Preallocate"] = "--swap",
    };

    /// <summary>The properties that have an option.</summary>
    public static IReadOnlyCollection<string> Properties => Options.Keys;

    /// <summary>The text of an exception of the library with the command's options in it.</summary>
    public static string Rename(Exception e) => OptionMessage.Rename(e, Options.GetValueOrDefault);

    /// <summary>The same, where an option is to be added: a file's name follows it.</summary>
    public static string RenameForRemedy(Exception e) => OptionMessage.Rename(
        e, static property => property == "Writeback.Path" ? $"{Options[property]} FILE" : Options.GetValueOrDefault(property));

    /// <summary>The command's option that an exception of the library is about; null if it is about none.</summary>
    public static string? OptionOf(Exception e) => OptionMessage.Of(e)?.Option is { } property ? Options.GetValueOrDefault(property) : null;
}
