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
    public static void HasNoLength(string path) =>
        throw new CacheFileException(
            $"{path} is no saved cache: it is an empty file, a pipe, a socket or a device. Pass the name of a file that Save has written.");

    [DoesNotReturn]
    public static void NotAFile(string path) =>
        throw new IOException($"{path} is a folder, or something else that is no plain file; choose the name of a file.");

    [DoesNotReturn]
    public static void NoSavedCache(string path, long length)
    {
        string kind = length == 0 ? " (it is an empty file, a pipe, a socket or a device)" : string.Empty;
        throw new IOException(
            $"{path} exists and is no saved cache, so it is not replaced{kind}; choose another name, or delete it if it may go.");
    }

    [DoesNotReturn]
    public static void NoFolder(string path, string folder) =>
        throw new DirectoryNotFoundException(
            $"{path} cannot be saved: there is no folder {folder}; make it, or choose a name in another folder.");

    [DoesNotReturn]
    public static void NoPartialFile(string path, Exception cause)
    {
        string message = $"{path} cannot be saved: no file can be made beside it, which takes the name when it is whole ({cause.Message}).";
        throw cause switch
        {
            UnauthorizedAccessException => new UnauthorizedAccessException(
                message + " Allow that this user writes to the folder, or choose a name in another.", cause),
            PathTooLongException => new PathTooLongException(message + " Choose a name that is 50 bytes shorter.", cause),
            _ => new IOException(message + " See to the cause, or choose a name in another folder.", cause),
        };
    }

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
