using System.IO.Hashing;
using System.Text;

namespace PageFold.Tables;

/// <summary>Divides data into a half on which tables are trained and a half on which they are measured.</summary>
internal static class HoldOut
{
    /// <summary>True if data is held out: the hash (XxHash64) of its name in UTF-8 is odd.</summary>
    /// <param name="name">A file's absolute path; of other data any name that is as fine.</param>
    public static bool Contains(string name) => XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(name)) % 2 == 1;
}
