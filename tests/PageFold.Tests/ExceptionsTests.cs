namespace PageFold.Tests;

/// <summary>The library's own exceptions, as a caller makes them: to wrap one, or to stand in for the library in a test.</summary>
public class ExceptionsTests
{
    public static TheoryData<Type> Exceptions() => new(typeof(PageStore).Assembly.GetExportedTypes()
        .Where(type => typeof(Exception).IsAssignableFrom(type)));

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void An_exception_keeps_the_message_and_the_cause_that_it_is_made_with(Type type)
    {
        InvalidDataException cause = new("The cause.");
        Exception plain = (Exception)Activator.CreateInstance(type)!;
        Exception told = (Exception)Activator.CreateInstance(type, "The message.")!;
        Exception caused = (Exception)Activator.CreateInstance(type, "The message.", cause)!;
        Assert.Null(plain.InnerException);
        Assert.Equal(("The message.", null), (told.Message, told.InnerException));
        Assert.Equal(("The message.", cause), (caused.Message, caused.InnerException));
    }

    [Fact]
    public void Each_kind_of_exception_is_looked_at() => Assert.Equal(6, Exceptions().Count);
}
