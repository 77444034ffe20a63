namespace PageFold.Caching.Coding;

/// <summary>How a value is stored: as it is, or compressed with the tables of a number.</summary>
/// <param name="Number">One byte of the entry: 0 for a raw value, otherwise the number of a <see cref="CodecVersion"/>.</param>
internal readonly record struct ValueForm(byte Number)
{
    /// <summary>The number of the codec's built-in tables, which are always there.</summary>
    public const byte BuiltInNumber = 1;

    /// <summary>The first number of trained tables.</summary>
    public const byte FirstTrained = 2;

    /// <summary>The value as it is.</summary>
    public static ValueForm Raw => default;

    /// <summary>True if the value is stored as it is.</summary>
    public bool IsRaw => Number == 0;

    /// <summary>True if the value needs trained tables, whose use is counted.</summary>
    public bool IsCounted => Number >= FirstTrained;
}
