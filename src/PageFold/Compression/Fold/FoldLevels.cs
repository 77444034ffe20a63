using PageFold.Compression.Matching;

namespace PageFold.Compression.Fold;

/// <summary>What a level of the codec does.</summary>
internal interface IFoldLevel : IParseRules
{
    /// <summary>Codes literals where that gains something.</summary>
    public static abstract bool CodesLiterals { get; }
}

/// <summary>Literals as they are, and two candidates at each position.</summary>
internal readonly struct FastLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 1;

    public static bool Lazy => false;

    public static bool CodesLiterals => false;
}

/// <summary>Coded literals, and two candidates at each position.</summary>
internal readonly struct DenseLevel : IFoldLevel
{
    public static bool Repeats => true;

    public static int MinMatch => Box.MinMatch;

    public static int Candidates => 3;

    public static bool Lazy => true;

    public static bool CodesLiterals => true;
}
