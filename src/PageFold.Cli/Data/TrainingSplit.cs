using System.IO.Hashing;
using System.Text;

namespace PageFold.Cli.Data;

/// <summary>The rule that splits files into those on which the codecs' built-in tables may be trained and those held out.</summary>
/// <remarks>
/// The hash is XxHash64 (seed 0) of the absolute, normalised path in UTF-8. A file whose hash is even is for training, a file whose hash is
/// odd is held out. The rule needs no list, so training and measuring agree on every machine on which a file has the same path.
/// </remarks>
internal static class TrainingSplit
{
    /// <summary>True if the file is held out: tables are never trained on it.</summary>
    /// <param name="path">The path, absolute or relative to the working folder.</param>
    public static bool IsHeldOut(string path) =>
        XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(Path.GetFullPath(path))) % 2 == 1;
}
