using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace PageFold.Caching.Saving;

/// <summary>The exceptions of saving and loading. Each is named by its cause.</summary>
[StackTraceHidden]
internal static class SaveThrow
{
    /// <summary>What a stream is called in messages.</summary>
    public const string Stream = "The stream";

    [DoesNotReturn]
    public static void NotASavedCache(string name) =>
        throw new CacheFileException($"{name} is no saved cache: it does not begin like one. Pass what Save has written.");

    [DoesNotReturn]
    public static void OtherVersion(string name, uint version) =>
        throw new CacheFileException(
            $"{name} is a saved cache of version {version}, and this library reads version {SaveFormat.Version}; load it with the version "
                + "that saved it, or begin with an empty cache.");

    [DoesNotReturn]
    public static void Damaged(string name, long offset, string problem) =>
        throw new CacheFileException($"{name} is damaged at byte {offset}: {problem}. Delete it, and begin with an empty cache.");

    [DoesNotReturn]
    public static void NotAFile(string path) => throw new IOException($"{path} is a folder or a pipe; choose the name of a file.");

    [DoesNotReturn]
    public static void NoSavedCache(string path) =>
        throw new IOException(
            $"{path} exists and is no saved cache, so it is not replaced; choose another name, or delete it if it may go.");

    public static void IfNotWritable([NotNull] Stream? stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanWrite)
            throw new ArgumentException("The stream cannot be written; pass one that can.", nameof(stream));
    }

    public static void IfNotSeekable([NotNull] Stream? stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead || !stream.CanSeek)
            throw new ArgumentException(
                "The stream cannot be read twice, and all of it is checked before anything is loaded; copy it to a file or to memory.",
                nameof(stream));
    }
}
