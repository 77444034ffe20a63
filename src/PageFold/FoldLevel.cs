namespace PageFold;

/// <summary>A level of the codec <see cref="PageCodec.Fold"/>.</summary>
public enum FoldLevel
{
    /// <summary>Literals and tokens as they are: denser than LZ4, at about its speed.</summary>
    Fast = 0,

    /// <summary>Coded literals and tokens: about the bytes of Zstandard's level 1, in half its time and less.</summary>
    Dense = 1,
}
