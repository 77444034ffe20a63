using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold;

/// <summary>What a level of the codec does.</summary>
internal interface IFoldLevel : IParseRules
{
    /// <summary>Codes literals and tokens where that gains something.</summary>
    public static abstract bool CodesSymbols { get; }

    /// <summary>The share of their bytes that tokens must gain to be coded, as a power of two: 3 for an eighth.</summary>
    public static abstract int TokenGainShift { get; }
}

/// <summary>Literals and tokens as they are, and one candidate at each position.</summary>
internal readonly struct FastLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 1;

    public static bool Lazy => false;

    public static bool CodesSymbols => false;

    public static int TokenGainShift => 0;
}

/// <summary>Coded literals and tokens, and one candidate at each position.</summary>
internal readonly struct DenseLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 1;

    public static bool Lazy => false;

    public static bool CodesSymbols => true;

    public static int TokenGainShift => 3;
}

/// <summary>The dense level for texts of more than 4 KiB: four candidates, and the next position too.</summary>
/// <remarks>
/// A longer text has more candidates that are worth a look, and the codecs that it is compared with take their time there as well.
/// </remarks>
internal readonly struct DenseLongLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 4;

    public static bool Lazy => true;

    public static bool CodesSymbols => true;

    public static int TokenGainShift => 5;
}

/// <summary>The dense level for texts of up to 4 KiB with a dictionary: four candidates, and the next position too.</summary>
/// <remarks>A dictionary has as many candidates as a long text.</remarks>
internal readonly struct DenseDictionaryLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 4;

    public static bool Lazy => true;

    public static bool CodesSymbols => true;

    public static int TokenGainShift => 3;
}
