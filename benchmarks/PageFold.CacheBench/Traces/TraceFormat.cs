namespace PageFold.CacheBench.Traces;

/// <summary>How a file holds its requests.</summary>
internal enum TraceFormat
{
    /// <summary>A key a line, as a decimal number; other lines are skipped.</summary>
    Text,

    /// <summary>Keys of four bytes, the most significant first.</summary>
    Int32BigEndian,

    /// <summary>Keys of four bytes, the least significant first.</summary>
    Int32LittleEndian,

    /// <summary>Keys of eight bytes, the most significant first.</summary>
    Int64BigEndian,

    /// <summary>A request a line: time, key and size in bytes, with spaces between.</summary>
    Sized,
}

/// <summary>The names of formats on the command line.</summary>
internal static class TraceFormats
{
    private static readonly Dictionary<string, TraceFormat> s_names = new()
    {
        ["text"] = TraceFormat.Text,
        ["int32be"] = TraceFormat.Int32BigEndian,
        ["int32le"] = TraceFormat.Int32LittleEndian,
        ["int64be"] = TraceFormat.Int64BigEndian,
        ["sized"] = TraceFormat.Sized,
    };

    /// <summary>All names, for messages.</summary>
    public static string Names { get; } = string.Join(", ", s_names.Keys);

    public static bool TryParse(string name, out TraceFormat format) => s_names.TryGetValue(name, out format);
}
